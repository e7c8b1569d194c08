"""Données et figures du TP1 (régression linéaire bayésienne).

À garder dans le même dossier que le notebook. Rien n'est à compléter ici.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

# Palette d'Okabe et Ito, lisible par tous.
BLEU, ORANGE, VERT, ROUGE, GRIS = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#999999"

# Pendant la correction automatique, les figures sont tracées plus grossièrement.
CORRECTION = bool(os.environ.get("NBGRADER_EXECUTION"))


def f_linear(x, noise_amount, sigma, rng):
    """Renvoie -0.3 + 0.5 x, plus noise_amount fois un bruit gaussien d'écart-type sigma.

    x : tableau (N,) ; rng : générateur de numpy. Renvoie un tableau (N,).
    """
    x = np.asarray(x, dtype=float)
    return -0.3 + 0.5 * x + noise_amount * rng.normal(0.0, sigma, x.shape)


def f_sinus(x, noise_amount, sigma, rng):
    """Renvoie sin(2 pi x) + x, plus noise_amount fois un bruit gaussien d'écart-type sigma.

    x : tableau (N,) ; rng : générateur de numpy. Renvoie un tableau (N,).
    """
    x = np.asarray(x, dtype=float)
    return np.sin(2 * np.pi * x) + x + noise_amount * rng.normal(0.0, sigma, x.shape)


def zones(x_train, gap=1.0):
    """Renvoie les intervalles (début, fin) que les points d'apprentissage couvrent sans trou > gap."""
    x = np.sort(np.ravel(x_train))
    coupures = np.flatnonzero(np.diff(x) > gap)
    debuts = np.concatenate([x[:1], x[coupures + 1]])
    fins = np.concatenate([x[coupures], x[-1:]])
    return list(zip(debuts, fins))


def plot_results(x_train, y_train, x_test, y_test, y_pred, std_pred, title="", ylim=None):
    """Trace la loi prédictive à gauche, sa variance à droite.

    x_train, y_train : (N,) ; x_test, y_test (vérité sans bruit), y_pred et std_pred : (n,).
    std_pred est un écart-type.
    """
    x_test, y_pred, std_pred = np.ravel(x_test), np.ravel(y_pred), np.ravel(std_pred)
    fig, (gauche, droite) = plt.subplots(1, 2, figsize=(12, 4.2), constrained_layout=True)
    for k in (3, 2, 1):
        gauche.fill_between(
            x_test,
            y_pred - k * std_pred,
            y_pred + k * std_pred,
            color=BLEU,
            alpha=0.12,
            linewidth=0,
            label=f"± {k} écart{'s' if k > 1 else ''}-type{'s' if k > 1 else ''}",
        )
    gauche.plot(x_test, np.ravel(y_test), color=VERT, linestyle="--", label="vérité")
    gauche.plot(x_test, y_pred, color=BLEU, label="moyenne prédictive")
    gauche.plot(x_train, y_train, "o", color=ROUGE, markersize=4, label="données")
    gauche.set(xlabel="$x$", ylabel="$y$", title=title or "Loi prédictive")
    if ylim is not None:
        gauche.set_ylim(*ylim)
    gauche.legend(fontsize=8, loc="best")
    plot_variance(droite, x_train, x_test, std_pred**2)
    plt.show()


def plot_variance(ax, x_train, x_test, variance, ylabel="variance prédictive"):
    """Trace une variance contre x, les zones des données en gris, leur barycentre en pointillé."""
    for i, (debut, fin) in enumerate(zones(x_train)):
        ax.axvspan(
            debut, fin, color=GRIS, alpha=0.25, linewidth=0, label="données" if i == 0 else None
        )
    ax.axvline(np.mean(x_train), color=ORANGE, linestyle="--", label="barycentre des données")
    ax.plot(np.ravel(x_test), np.ravel(variance), color=BLEU)
    if np.max(variance) > 1e3 * np.min(variance):
        ax.set_yscale("log")
    ax.set(xlabel="$x$", ylabel=ylabel, title=ylabel.capitalize())
    ax.legend(fontsize=8)


def plot_posterior(posterior, phi, x_train, y_train, alpha, beta, sizes=(0, 1, 2, 10, 25)):
    """Trace la densité a posteriori de (w0, w1) après les premières données.

    posterior et phi : vos fonctions ; sizes : nombres de points montrés.
    """
    pas = 25 if CORRECTION else 120
    tailles = (sizes[0], sizes[-1]) if CORRECTION else sizes
    w = np.linspace(-1, 1, pas)
    w0, w1 = np.meshgrid(w, w)
    points = np.column_stack([w0.ravel(), w1.ravel()])
    fig, axes = plt.subplots(
        1, len(tailles), figsize=(3 * len(tailles), 3.2), sharey=True, constrained_layout=True
    )
    for ax, n in zip(axes, tailles):
        Phi = np.zeros((0, 2)) if n == 0 else phi(x_train[:n])
        mu, Sigma = posterior(Phi, y_train[:n], alpha, beta)
        ecarts = points - np.ravel(mu)
        exposant = -0.5 * np.sum(ecarts * np.linalg.solve(Sigma, ecarts.T).T, axis=1)
        densite = np.exp(exposant) / (2 * np.pi * np.sqrt(np.linalg.det(Sigma)))
        ax.contourf(w0, w1, densite.reshape(w0.shape), levels=20, cmap="viridis")
        ax.plot(-0.3, 0.5, "+", color="white", markersize=12, markeredgewidth=2)
        ax.set(title=f"$N = {n}$", xlabel="$w_0$", aspect="equal")
    axes[0].set_ylabel("$w_1$")
    plt.show()
