# Le bord gauche des classes est compris, non le droit.
# loses: test_q1_4a 0.25
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        droite = (m + 1) / n_bins if m < n_bins - 1 else 1.1
        dans = (conf >= m / n_bins) & (conf < droite)
        if dans.any():
            total += float(dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].mean()).abs())
    return total
