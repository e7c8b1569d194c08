# Un outil a effacé toutes les métadonnées ; les cellules gardent leurs identifiants.
# change: strip_metadata
