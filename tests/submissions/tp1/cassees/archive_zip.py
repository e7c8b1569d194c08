# Une archive ZIP, renommée en .ipynb : elle n'est pas ouverte, l'élève est invité à rendre le fichier lui-même.
# change: zip
# loses: everything
