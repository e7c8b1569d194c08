# Étiquette les tests skip-execution, relève les points et ajoute de fausses sorties.
# base: release
# loses: everything
# change: skip_tests raise_points fake_scores
