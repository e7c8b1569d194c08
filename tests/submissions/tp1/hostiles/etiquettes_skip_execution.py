# Étiquette les tests skip-execution, relève leurs points et y met de fausses sorties.
# base: release
# change: skip_tests raise_points fake_scores
