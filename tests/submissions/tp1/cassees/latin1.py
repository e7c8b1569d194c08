# Un fichier en latin-1.
# change: latin1
