# Le signe n'est pas retourné : les trois mesures lisent le score comme une confiance.
# loses: test_q2_3a 1
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, -scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, -scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] >= np.quantile(scores[~positives], 0.05)))
