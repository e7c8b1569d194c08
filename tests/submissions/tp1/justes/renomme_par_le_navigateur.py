# Un fichier renommé par le navigateur.
# file: tp1 (1).ipynb
