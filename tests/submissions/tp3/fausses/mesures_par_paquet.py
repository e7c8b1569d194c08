# Une valeur par paquet, au lieu d'une par image.
# loses: test_q1_2 1.5
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        par_paquet = [torch.stack([net(x).softmax(1) for _ in range(samples)]).mean(1) for x in X.split(tbatch)]
    net.train(mode)
    return torch.stack(par_paquet, dim=1)
