# Un fichier vide.
# change: empty
# loses: everything
