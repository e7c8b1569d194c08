# Un fichier au format 3 de 2013.
# change: nbformat3
