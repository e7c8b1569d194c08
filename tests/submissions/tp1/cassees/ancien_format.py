# Un notebook au format 3 : tout est lisible.
# change: nbformat3
