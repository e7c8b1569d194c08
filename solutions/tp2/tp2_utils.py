"""Apprentissage et figures du TP2 (inférence approchée en classification).

À garder dans le même dossier que le notebook. Il n'y a rien à compléter ici.
Demande numpy, torch 2.0 et matplotlib 3.7, ou plus récents.

Formes, partout : N points d'apprentissage (N, 2), n points où l'on prédit (n, 2), des étiquettes
(N, 1) égales à 0 ou 1. Un modèle renvoie des logits (n, 1).
"""

import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import ScalarFormatter

# Palette d'Okabe et Ito, lisible aussi par les personnes daltoniennes.
BLEU, CIEL, ORANGE, JAUNE, ROUGE = "#0072b2", "#56b4e9", "#e69f00", "#f0e442", "#d55e00"
NOIR = "#000000"
PROBABILITE = LinearSegmentedColormap.from_list("probabilite", [BLEU, "#ffffff", ORANGE])

# À la correction, les figures sont tracées plus vite : moins de pixels, une grille grossière.
RAPIDE = bool(os.environ.get("NBGRADER_EXECUTION"))
RESOLUTION = 40 if RAPIDE else 100
PAS_DE_GRILLE = 15 if RAPIDE else 121


# --- Données et apprentissage ----------------------------------------------------------------


def as_tensors(X, y):
    """Tenseurs de simple précision (N, 2) et (N, 1) des tableaux X (N, 2) et y (N,)."""
    X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32)
    return X, y.reshape(-1, 1)


def train(model, loss, X, y, epochs, lr, batch_size=100, seed=0):
    """Minimise loss en place par Adam, sur des mini-lots.

    loss(model, x, y, n_total) : coût d'un lot x (B, input_size), y (B, 1), n_total étant le nombre
    de points d'apprentissage ; X : (N, input_size) ; y : (N, 1) ; epochs : nombre de passages sur
    les données ; lr : premier pas, qui décroît jusqu'à 0 ; seed : graine de l'ordre des lots.
    Renvoie le modèle, en mode eval().
    """
    if RAPIDE:
        return _quelques_pas(model, loss, X, y, lr, batch_size)
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=order).split(batch_size):
            optimizer.zero_grad()
            loss(model, X[rows], y[rows], len(X)).backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def _quelques_pas(model, loss, X, y, lr, batch_size):
    """À la correction : un passage de descente ordinaire (torch.optim met une seconde à se charger)."""
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    for rows in torch.arange(len(X)).split(batch_size):
        gradients = torch.autograd.grad(loss(model, X[rows], y[rows], len(X)), parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                if gradient is not None:
                    parameter -= lr * gradient / len(X)
    return model.eval()


# --- Figures ---------------------------------------------------------------------------------


def plot_decision_boundary(
    model, X, Y, epoch, accuracy, model_type, nsamples=100, posterior=None, title="", x_far=None
):
    """Trace la probabilité prédite sur un carré ; pour les tirages, aussi leur écart-type.

    X, Y : données d'apprentissage (N, 2), (N, 1) ; epoch : numéro affiché, ou None ;
    accuracy : exactitude sur des données mises de côté ; x_far : points à marquer, ou None ;
    model_type : "classic" (un modèle sans aléa), "laplace" (posterior : (n, 2) -> probabilités (n,)),
    "vi" (un modèle dont chaque appel est un tirage ; moyenne de nsamples appels) ou
    "mcdropout" (posterior : (n, 2) -> tirages (k, n)).
    """
    etendue = 12 if x_far is None else 7.5
    axe = np.linspace(-etendue, etendue, PAS_DE_GRILLE)
    grille = np.stack(np.meshgrid(axe, axe), axis=-1).reshape(-1, 2)
    tirages = _tirages(model, torch.tensor(grille, dtype=torch.float32), model_type, nsamples, posterior)
    panneaux = 1 if len(tirages) == 1 else 2
    fig, axes = _figure(1, panneaux, (6.2 * panneaux - 0.6, 5.4))
    cote = (PAS_DE_GRILLE, PAS_DE_GRILLE)
    cadre = (-etendue, etendue, -etendue, etendue)
    moyenne = tirages.mean(axis=0).reshape(cote)
    ax = np.ravel(axes)[0]
    image = ax.imshow(
        moyenne, extent=cadre, origin="lower", cmap=PROBABILITE, vmin=0, vmax=1, interpolation="bilinear"
    )
    niveaux = [0.05, 0.25, 0.5, 0.75, 0.95]
    if moyenne.min() < 0.5 < moyenne.max():
        traits = ax.contour(axe, axe, moyenne, niveaux, colors=NOIR, linewidths=[0.8, 0.8, 2, 0.8, 0.8])
        if not RAPIDE:
            ax.clabel(traits, fmt=lambda p: f"{p:g}".replace(".", ","), fontsize=8)
    barre = fig.colorbar(image, ax=ax, shrink=0.85, label="$p(y = 1 | x)$", format=_Virgule())
    barre.ax.tick_params(labelsize=8)
    noms = {"classic": "Modèle ordinaire", "laplace": "Laplace", "vi": "Inférence variationnelle", "mcdropout": "MC dropout"}
    texte = title or noms[model_type]
    if epoch is not None:
        texte += f", époque {epoch}"
    if accuracy is not None:
        texte += f" (exactitude {100 * accuracy:.1f} %)".replace(".", ",")
    ax.set_title(texte)
    if panneaux == 2:
        image = axes[1].imshow(
            tirages.std(axis=0).reshape(cote), extent=cadre, origin="lower", cmap="viridis", vmin=0, vmax=0.5,
            interpolation="bilinear",
        )  # fmt: skip
        barre = fig.colorbar(image, ax=axes[1], shrink=0.85, label="écart-type des tirages", format=_Virgule())
        barre.ax.tick_params(labelsize=8)
        axes[1].set_title("Désaccord entre les tirages")
    for un in np.ravel(axes):
        _donnees(un, X, Y, x_far)
        un.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-etendue, etendue), ylim=(-etendue, etendue))
    poignees = [
        Line2D([], [], color=CIEL, marker="o", markeredgecolor=NOIR, linestyle="none", label="étiquette 0"),
        Line2D([], [], color=JAUNE, marker="^", markeredgecolor=NOIR, linestyle="none", label="étiquette 1"),
        Line2D([], [], color=NOIR, linewidth=2, label="frontière (0,5)"),
    ]
    if x_far is not None:
        poignees.append(
            Line2D([], [], color="white", marker="D", markeredgecolor=NOIR, linestyle="none", label="points éloignés")
        )
    _legende(fig, handles=poignees, ncols=4)
    plt.show()


def plot_far(t, curves_map, curves_laplace, limits, projections):
    """Trace la probabilité prédite le long d'une direction, une courbe par précision a priori.

    t : distances avec signe (n,) ; curves_map, curves_laplace : {précision : probabilités (n,)} ;
    limits : {précision : limite} ; projections : abscisses des données, (N,).
    """
    t = np.asarray(t)
    fig, axes = _figure(1, 2, (11, 4.8), sharey=True)
    couleurs = plt.colormaps["viridis"](np.linspace(0, 0.85, len(limits)))
    for ax, courbes in zip(axes, (curves_map, curves_laplace)):
        for (precision, p), couleur, trait in zip(courbes.items(), couleurs, ("-", "--", "-.") * len(limits)):
            nom = f"$\\lambda$ = {precision:g}".replace(".", ",")
            ax.plot(t, np.asarray(p), color=couleur, linestyle=trait, linewidth=2, label=nom if ax is axes[0] else None)
        ax.plot(
            np.asarray(projections), np.full(len(projections), -0.06), "|", color=ROUGE, markersize=7,
            label="données" if ax is axes[0] else None,
        )  # fmt: skip
        ax.set(xlabel="$t$", ylim=(-0.1, 1.03), xlim=(t[0], t[-1]))
    for limite, couleur in zip(limits.values(), couleurs):
        if limite < 0.995:
            axes[1].axhline(limite, color=couleur, linestyle=":", linewidth=1.5)
    axes[0].set(title="MAP", ylabel="$p(y = 1 | x = t d)$")
    axes[1].set(title="Laplace (probit)")
    _legende(fig, ncols=6)
    plt.show()


def plot_laws(w_map, Sigma, model):
    """Trace deux approximations de la loi a posteriori de (w1, w2) : Laplace, et celle du modèle.

    w_map : (3,) ; Sigma : (3, 3) ; model : une régression logistique variationnelle à deux entrées.
    Renvoie les moyennes (3,) et les écarts-types (3,) de w1, w2 et b selon le modèle.
    """
    parametres = {nom.split(".")[-1]: p.detach().reshape(-1) for nom, p in model.named_parameters()}
    mu = torch.cat([parametres["w_mu"], parametres["b_mu"]])
    sigma = torch.nn.functional.softplus(torch.cat([parametres["w_rho"], parametres["b_rho"]]))
    fig, ax = _figure(1, 1, (5.6, 5.4))
    lois = [
        ("Laplace", ROUGE, "-", np.asarray(w_map)[:2], np.asarray(Sigma)[:2, :2]),
        ("variationnelle", BLEU, "--", mu.numpy()[:2], np.diag(sigma.numpy()[:2] ** 2)),
    ]
    angles = np.linspace(0, 2 * np.pi, 200)
    cercle = np.stack([np.cos(angles), np.sin(angles)])
    for nom, couleur, trait, centre, covariance in lois:
        valeurs, vecteurs = np.linalg.eigh(np.asarray(covariance, dtype=float))
        racine = vecteurs * np.sqrt(np.maximum(valeurs, 0))
        for part, epaisseur in ((0.5, 2.5), (0.95, 1.5)):
            # En dimension 2, le carré de la distance réduite suit une loi exponentielle de moyenne 2.
            contour = centre[:, None] + np.sqrt(-2 * np.log(1 - part)) * racine @ cercle
            ax.plot(
                *contour, color=couleur, linestyle=trait, linewidth=epaisseur,
                label=f"{nom}, {100 * part:g} %",
            )  # fmt: skip
        ax.plot(*centre, "x", color=couleur, markersize=9, markeredgewidth=2)
    ax.set(xlabel="$w_1$", ylabel="$w_2$", title="Lois approchées de $(w_1, w_2)$", aspect="equal")
    _legende(fig, ncols=2)
    plt.show()
    return mu, sigma


def print_comparison(scores, far, x_far):
    """Affiche les scores de plusieurs modèles, et leurs prédictions en des points éloignés.

    scores : {nom : (exactitude, log-vraisemblance négative, écart-type)} ;
    far : {nom : (probabilités moyennes (n,), écarts-types (n,))} ; x_far : (n, 2).
    """
    print(f"{'':24} exactitude   log-vrais. nég.   écart-type moyen")
    for nom, (exactitude, nll, sd) in scores.items():
        print(f"{nom:24}   {float(exactitude):.4f}         {float(nll):.4f}            {float(sd):.4f}")
    points = "".join(f"{f'({a:g}, {b:g})':>16}" for a, b in np.asarray(x_far))
    print(f"\n{'':24}{points}")
    for nom, (moyennes, ecarts) in far.items():
        print(f"{nom:24}" + "".join(f"{f'{m:.2f} ({s:.2f})':>16}" for m, s in zip(moyennes, ecarts)))


# --- Outils ----------------------------------------------------------------------------------


def _tirages(model, points, model_type, nsamples, posterior):
    """Probabilités prédites aux points (n, 2) : un tableau (k, n), une ligne par tirage."""
    with torch.no_grad():
        if model_type == "classic":
            probabilites = torch.sigmoid(model(points)).reshape(1, -1)
        elif model_type == "vi":
            probabilites = torch.stack([torch.sigmoid(model(points)).reshape(-1) for _ in range(nsamples)])
        elif model_type in ("laplace", "mcdropout"):
            probabilites = torch.as_tensor(posterior(points)).reshape(-1, len(points))
        else:
            raise ValueError(
                f'model_type : attendu "classic", "laplace", "vi" ou "mcdropout", obtenu {model_type!r}'
            )
    return probabilites.detach().numpy()


def _donnees(ax, X, Y, x_far):
    X, Y = np.asarray(X), np.asarray(Y).reshape(-1)
    for etiquette, couleur, symbole in ((0, CIEL, "o"), (1, JAUNE, "^")):
        choix = Y == etiquette
        ax.plot(
            X[choix, 0], X[choix, 1], symbole, color=couleur, markeredgecolor=NOIR, markeredgewidth=0.4,
            markersize=4,
        )  # fmt: skip
    if x_far is not None:
        x_far = np.asarray(x_far)
        ax.plot(x_far[:, 0], x_far[:, 1], "D", color="white", markeredgecolor=NOIR, markersize=8)


class _Virgule(ScalarFormatter):
    """Graduations à virgule décimale."""

    def __call__(self, valeur, rang=None):
        return super().__call__(valeur, rang).replace(".", ",")


def _legende(fig, **options):
    fig.legend(loc="lower center" if RAPIDE else "outside lower center", frameon=False, **options)


def _figure(lignes, colonnes, taille, **partage):
    fig, axes = plt.subplots(
        lignes, colonnes, figsize=taille, dpi=RESOLUTION, layout=None if RAPIDE else "constrained", **partage
    )
    for ax in np.ravel(axes):
        ax.xaxis.set_major_formatter(_Virgule())
        ax.yaxis.set_major_formatter(_Virgule())
    return fig, axes
