# Le téléversement s'est arrêté au milieu du fichier : ce qui précède est jugé.
# cut: q2_1a
# loses: test_q2_1a 1.5, test_q2_1b 0.5, test_q2_2a 0.75, test_q2_2b 1, test_q2_2c 0.75, test_q2_2d 0.5
