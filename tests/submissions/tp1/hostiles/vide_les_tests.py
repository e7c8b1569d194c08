# Vide les cellules de test et les dédouble ; change les points et le verrou dans les métadonnées.
# base: release
# change: empty_tests duplicate_tests raise_points
