# Un envoi interrompu au milieu du fichier : les cellules entières sont sauvées.
# change: truncated
# loses: test_q1_6_vf 0.5, test_q2_1 1, test_q2_2 0.5, test_q2_2_vf 0.5, test_q2_3 1.5, test_q2_4 0.5, test_q2_5 0.5, test_q2_5_vf 0.5, test_q2_6 1.5, test_q2_6_vf 0.5
