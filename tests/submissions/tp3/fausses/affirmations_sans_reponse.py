# Seules les questions de MC dropout et de métriques sont faites ; les affirmations restent à None.
# base: release
# answers: q1_2 q1_3a q1_3b q1_3c q1_3d q2_3a q2_3b q2_3c q3_3a
# earns: test_q1_2 2, test_q1_3a 0.75, test_q1_3b 0.75, test_q1_3c 0.75, test_q1_3d 0.25, test_q2_3a 1, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_3a 0.5
