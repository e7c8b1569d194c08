"""Données et figures du TP1 (régression linéaire bayésienne).

À garder dans le même dossier que le notebook. Il n'y a rien à compléter ici.
Demande numpy, et matplotlib 3.7 ou plus récent.

Formes, partout : N entrées d'apprentissage, n entrées où l'on prédit. Les tableaux (n,) peuvent
aussi être donnés avec la forme (n, 1).
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import ScalarFormatter

# Palette d'Okabe et Ito, lisible aussi par les personnes daltoniennes.
BLEU, CIEL, ORANGE, VERT, ROUGE = "#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00"
GRIS, NOIR = "#999999", "#000000"

# À la correction, les figures sont tracées avec moins de pixels (jamais avec d'autres données).
RESOLUTION = 50 if os.environ.get("NBGRADER_EXECUTION") else 100


# --- Données ---------------------------------------------------------------------------------


def f_linear(x, noise_amount, sigma, rng=None):
    """Vérité affine de la première partie, avec ou sans bruit.

    x : entrées, tableau (N,) ou nombre ; noise_amount : 1 avec bruit, 0 sans ;
    sigma : écart-type du bruit ; rng : générateur de numpy (sans lui, chaque appel tire un autre bruit).
    Renvoie -0.3 + 0.5 x + noise_amount * bruit, de la forme de x.
    """
    x = np.asarray(x, dtype=float)
    return -0.3 + 0.5 * x + _bruit(x.shape, noise_amount, sigma, rng)


def f_sinus(x, noise_amount, sigma, rng=None):
    """Vérité sinusoïdale de la seconde partie, avec ou sans bruit.

    x : entrées, tableau (N,) ou nombre ; noise_amount : 1 avec bruit, 0 sans ;
    sigma : écart-type du bruit ; rng : générateur de numpy (sans lui, chaque appel tire un autre bruit).
    Renvoie sin(2 pi x) + x + noise_amount * bruit, de la forme de x.
    """
    x = np.asarray(x, dtype=float)
    return np.sin(2 * np.pi * x) + x + _bruit(x.shape, noise_amount, sigma, rng)


def _bruit(forme, noise_amount, sigma, rng):
    if noise_amount == 0:
        return np.zeros(forme)
    rng = np.random.default_rng() if rng is None else rng
    return noise_amount * rng.normal(0.0, sigma, forme)


def zones(x_train, gap=1.0):
    """Intervalles que les entrées d'apprentissage couvrent sans lacune plus longue que gap.

    x_train : (N,). Renvoie une liste de couples (début, fin), de gauche à droite.
    """
    x = np.sort(_plat(x_train))
    coupures = np.flatnonzero(np.diff(x) > gap)
    debuts = np.concatenate([x[:1], x[coupures + 1]])
    fins = np.concatenate([x[coupures], x[-1:]])
    return [(float(debut), float(fin)) for debut, fin in zip(debuts, fins)]


# --- Figures ---------------------------------------------------------------------------------


def plot_posteriors(panels, x_train, y_train, w_true, steps=200):
    """Trace la loi a posteriori de (w0, w1), et des droites tirées selon elle.

    panels : liste de (n, mu, Sigma), la loi après les n premiers points, mu (2,) et Sigma (2, 2) ;
    x_train, y_train : (N,) ; w_true : les vrais poids (w0, w1) ; steps : finesse de la grille.
    """
    x_train, y_train = _plat(x_train), _plat(y_train)
    w = np.linspace(-1, 1, steps)
    grille = np.stack(np.meshgrid(w, w), axis=-1)
    x_droites = np.array([-1.0, 3.0])
    # Les mêmes six tirages de N(0, I), transformés par chaque loi, montrent comment elle se resserre.
    tirages = np.random.default_rng(0).normal(size=(6, 2))
    fig, axes = _figure(2, len(panels), (2.4 * len(panels), 5.4), sharex="row", sharey="row")
    for (n, mu, Sigma), haut, bas in zip(panels, axes[0], axes[1]):
        racine = _racine(Sigma)
        if racine is None:
            texte = "Sigma n'est pas\nune covariance"
            haut.text(0, 0, texte, ha="center", va="center", color=ROUGE)
        else:
            mu = _plat(mu)
            reduits = np.linalg.solve(racine, (grille - mu).reshape(-1, 2).T)
            densite = np.exp(-0.5 * np.sum(reduits**2, axis=0)).reshape(steps, steps)
            haut.imshow(densite, extent=(-1, 1, -1, 1), origin="lower", cmap="viridis", vmin=0)
            for w0, w1 in mu + tirages @ racine.T:
                bas.plot(x_droites, w0 + w1 * x_droites, color=BLEU, linewidth=1, alpha=0.7)
        haut.plot(
            *w_true, "x", color="white", markersize=9, markeredgewidth=2,
            path_effects=[withStroke(linewidth=4, foreground=NOIR)],
        )  # fmt: skip
        haut.set(title=_points(n), xlabel="$w_0$", xticks=[-1, 0, 1], box_aspect=1)
        bas.plot(x_droites, w_true[0] + w_true[1] * x_droites, color=VERT, linestyle="--", linewidth=2)
        bas.plot(x_train[:n], y_train[:n], "o", color=ROUGE, markersize=4)
        bas.set(xlabel="$x$", xlim=(-1, 3), ylim=(-3, 3), box_aspect=1)
    axes[0, 0].set_ylabel("$w_1$")
    axes[1, 0].set_ylabel("$y$")
    legende = [
        Line2D(
            [], [], marker="x", color="white", linestyle="none", markeredgewidth=2, markersize=9,
            path_effects=[withStroke(linewidth=4, foreground=NOIR)], label="vrais poids",
        ),
        Line2D([], [], color=BLEU, linewidth=1, label="droites tirées"),
        Line2D([], [], color=VERT, linestyle="--", linewidth=2, label="vérité"),
        Line2D([], [], color=ROUGE, marker="o", markersize=4, linestyle="none", label="données"),
    ]  # fmt: skip
    fig.legend(handles=legende, loc="outside lower center", ncols=4, frameon=False)
    plt.show()


def plot_results(
    x_train, y_train, x_test, y_test, mean, std, title="", ylim=None, log_variance=False
):
    """Trace la loi prédictive à gauche, sa variance à droite.

    x_train, y_train : (N,) ; x_test, y_test (la vérité sans bruit), mean et std (écart-type) : (n,) ;
    ylim : limites de l'axe vertical de gauche ; log_variance : axe logarithmique à droite.
    """
    x_test, mean, std = _plat(x_test), _plat(mean), _plat(std)
    fig, (gauche, droite) = _figure(1, 2, (11, 4.6))
    for k in (3, 2, 1):
        gauche.fill_between(x_test, mean - k * std, mean + k * std, color=BLEU, alpha=0.15, linewidth=0)
    gauche.plot(x_test, mean, color=BLEU, linewidth=2)
    gauche.plot(x_test, _plat(y_test), color=VERT, linestyle="--", linewidth=2)
    gauche.plot(_plat(x_train), _plat(y_train), "o", color=ROUGE, markersize=4)
    gauche.set(xlabel="$x$", ylabel="$y$", title=title or "Loi prédictive", ylim=ylim)
    gauche.margins(x=0)
    # Les bandes se superposent : à la distance de 1, 2 ou 3 écarts-types, il en reste 3, 2 ou 1.
    bandes = [Patch(color=BLEU, alpha=1 - 0.85 ** (4 - k), linewidth=0) for k in (1, 2, 3)]
    _courbe_de_variance(droite, x_train, x_test, std**2)
    droite.set(title="Variance prédictive", ylabel="variance")
    if log_variance:
        droite.set_yscale("log")
    poignees = [
        Line2D([], [], color=ROUGE, marker="o", markersize=4, linestyle="none"),
        Line2D([], [], color=VERT, linestyle="--", linewidth=2),
        Line2D([], [], color=BLEU, linewidth=2),
        *bandes,
    ]
    noms = ["données", "vérité", "moyenne prédictive"]
    noms += ["± 1 écart-type", "± 2 écarts-types", "± 3 écarts-types"]
    zone, trait = _poignees_de_zone()
    fig.legend(
        [*poignees, zone, trait], [*noms, "zone des données", "barycentre des entrées"],
        loc="outside lower center", ncols=4, frameon=False,
    )  # fmt: skip
    plt.show()


def plot_variance(x_train, x_test, variance, title="", zoom=None):
    """Trace une variance contre x, avec la zone des données et le barycentre des entrées.

    x_train : (N,) ; x_test, variance : (n,) ;
    zoom : si ce nombre est donné, un second panneau montre [-zoom, zoom], un point par valeur de x_test.
    """
    x_test, variance = _plat(x_test), _plat(variance)
    fig, axes = _figure(1, 1 if zoom is None else 2, (6.5 if zoom is None else 11, 4.2))
    for ax in np.ravel(axes):
        _courbe_de_variance(ax, x_train, x_test, variance)
        ax.set(title=title, ylabel="variance")
    if zoom is not None:
        detail = axes[1]
        pres = np.abs(x_test) <= zoom
        detail.plot(x_test[pres], variance[pres], "o", color=BLEU, markersize=4)
        bas, haut = variance[pres].min(), variance[pres].max()
        marge = 0.08 * (haut - bas) or 0.1 * abs(haut) or 1.0
        detail.set(title=f"{title}, détail".lstrip(", "), xlim=(-zoom, zoom))
        detail.set_ylim(bas - marge, haut + marge)
    zone, trait = _poignees_de_zone()
    noms = ["zone des données", "barycentre des entrées"]
    fig.legend([zone, trait], noms, loc="outside lower center", ncols=2, frameon=False)
    plt.show()


def plot_variance_parts(x_train, x_test, aleatoric, epistemic):
    """Trace les deux parts de la variance prédictive, empilées.

    x_train : (N,) ; x_test, aleatoric, epistemic : (n,).
    """
    x_test, aleatoric, epistemic = _plat(x_test), _plat(aleatoric), _plat(epistemic)
    fig, ax = _figure(1, 1, (6.5, 4.4))
    _zone_des_donnees(ax, x_train)
    ax.fill_between(x_test, 0, aleatoric, color=ORANGE, linewidth=0)
    ax.fill_between(x_test, aleatoric, aleatoric + epistemic, color=BLEU, linewidth=0)
    ax.set(xlabel="$x$", ylabel="variance", title="Variance prédictive : deux parts empilées")
    ax.margins(x=0)
    ax.set_ylim(bottom=0)
    zone, trait = _poignees_de_zone()
    poignees = [Patch(color=BLEU), Patch(color=ORANGE), zone, trait]
    noms = ["part épistémique", "part aléatorique", "zone des données", "barycentre des entrées"]
    fig.legend(poignees, noms, loc="outside lower center", ncols=2, frameon=False)
    plt.show()


def plot_features(x_test, features):
    """Trace les fonctions de plusieurs bases, une base par panneau.

    x_test : (n,) ; features : dictionnaire {nom de la base : Phi (n, M)}.
    """
    x_test = _plat(x_test)
    fig, axes = _figure(1, len(features), (5.5 * len(features), 4.2), sharey=True)
    for ax, (nom, Phi) in zip(np.ravel(axes), features.items()):
        ax.axvspan(0, 1, color=GRIS, alpha=0.25, linewidth=0)
        couleurs = plt.colormaps["viridis"](np.linspace(0, 0.9, np.shape(Phi)[1]))
        for colonne, couleur in zip(np.transpose(Phi), couleurs):
            ax.plot(x_test, colonne, color=couleur)
        ax.set(xlabel="$x$", title=nom, ylim=(-1.2, 1.6))
        ax.margins(x=0)
    np.ravel(axes)[0].set_ylabel(r"$\phi_j(x)$")
    zone = Patch(color=GRIS, alpha=0.25)
    fig.legend([zone], ["zone d'apprentissage"], loc="outside lower center", frameon=False)
    plt.show()


def plot_evidence(alphas, curves, alpha_common):
    """Trace la log-évidence de plusieurs bases en fonction de alpha.

    alphas : (K,) ; curves : dictionnaire {nom de la base : log-évidences (K,)} ;
    alpha_common : valeur de alpha que marque un trait vertical.
    """
    alphas = _plat(alphas)
    fig, ax = _figure(1, 1, (7, 4.8))
    sommet = -np.inf
    for (nom, valeurs), couleur, symbole in zip(curves.items(), (ROUGE, BLEU, VERT), "Dos"):
        valeurs = _plat(valeurs)
        meilleur = int(np.argmax(valeurs))
        sommet = max(sommet, valeurs[meilleur])
        ax.plot(
            alphas, valeurs, color=couleur, linewidth=2, marker=symbole, markersize=9,
            markeredgecolor=NOIR, markevery=[meilleur],
            label=f"base {nom} ; maximum en α = {alphas[meilleur]:.2g}".replace(".", ","),
        )  # fmt: skip
    commun = f"valeur commune, α = {alpha_common:g}".replace(".", ",")
    ax.axvline(alpha_common, color=GRIS, linewidth=2, label=commun)
    ax.set(xscale="log", xlabel=r"$\alpha$", ylabel=r"$\ln p(y)$", title="Log-évidence des deux bases")
    if np.isfinite(sommet):
        # Plus bas, les courbes s'effondrent et écraseraient l'écart entre les deux maxima.
        ax.set_ylim(sommet - 60, sommet + 5)
    ax.margins(x=0)
    fig.legend(loc="outside lower center", ncols=1, frameon=False)
    plt.show()


# --- Outils ----------------------------------------------------------------------------------


def _plat(tableau):
    return np.asarray(tableau, dtype=float).reshape(-1)


def _points(n):
    return "sans donnée" if n == 0 else f"{n} point{'s' if n > 1 else ''}"


class _Virgule(ScalarFormatter):
    """Graduations à virgule décimale."""

    def __call__(self, valeur, rang=None):
        return super().__call__(valeur, rang).replace(".", ",")


def _figure(lignes, colonnes, taille, **partage):
    fig, axes = plt.subplots(
        lignes, colonnes, figsize=taille, dpi=RESOLUTION, layout="constrained", **partage
    )
    for ax in np.ravel(axes):
        ax.xaxis.set_major_formatter(_Virgule())
        ax.yaxis.set_major_formatter(_Virgule())
    return fig, axes


def _racine(Sigma):
    """Renvoie L telle que L L^T = Sigma (2, 2), ou None si Sigma n'est pas une covariance."""
    Sigma = np.asarray(Sigma, dtype=float)
    try:
        return np.linalg.cholesky(Sigma) if np.allclose(Sigma, Sigma.T) else None
    except np.linalg.LinAlgError:
        return None


def _zone_des_donnees(ax, x_train):
    for debut, fin in zones(x_train):
        ax.axvspan(debut, fin, color=GRIS, alpha=0.25, linewidth=0)
    ax.axvline(np.mean(x_train), color=NOIR, linestyle="--", linewidth=1)


def _poignees_de_zone():
    return Patch(color=GRIS, alpha=0.25), Line2D([], [], color=NOIR, linestyle="--", linewidth=1)


def _courbe_de_variance(ax, x_train, x_test, variance):
    _zone_des_donnees(ax, x_train)
    ax.plot(_plat(x_test), _plat(variance), color=BLEU, linewidth=2)
    ax.set_xlabel("$x$")
    ax.margins(x=0)
