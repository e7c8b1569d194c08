# Toutes les métadonnées ont disparu.
# change: strip_metadata
