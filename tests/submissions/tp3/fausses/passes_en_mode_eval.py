# Le réseau est mis en mode eval : toutes les passes sont égales.
# loses: test_q1_2 0.75
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.eval()
    with torch.no_grad():
        passes = [torch.cat([net(x) for x in X.split(tbatch)]).softmax(1) for _ in range(samples)]
    net.train(mode)
    return torch.stack(passes)
