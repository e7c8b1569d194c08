# Le seuil du FPR95 est pris sur tous les exemples, non sur les négatifs.
# loses: test_q2_3a 0.5
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores, 0.95)))
