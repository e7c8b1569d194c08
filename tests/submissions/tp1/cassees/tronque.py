# Un envoi interrompu au milieu de la réponse 2.1 : les cellules entières qui précèdent sont sauvées.
# cut: q2_1
# loses: test_q2_1 1, test_q2_2a 0.5, test_q2_2b 0.5, test_q2_3 1.5, test_q2_4 0.5, test_q2_5 1, test_q2_6a 1, test_q2_6b 0.5, test_q2_6c 0.5
