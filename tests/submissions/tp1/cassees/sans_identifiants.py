# Un outil a effacé toutes les métadonnées et les identifiants : les réponses sont reconnues à leurs noms et à leur place.
# change: strip_metadata strip_ids
