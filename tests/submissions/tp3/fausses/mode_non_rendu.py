# Le réseau reste en mode train.
# loses: test_q1_2 0.5
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    net.train()
    with torch.no_grad():
        return torch.stack([torch.cat([net(x) for x in X.split(tbatch)]).softmax(1) for _ in range(samples)])
