# Seules les cinq premières questions à étoile sont répondues, le reste est tel quel.
# base: release
# answers: q1_1 q1_2 q1_3 q1_4a q1_4b
# earns: test_q1_1 1, test_q1_2 3, test_q1_3 3, test_q1_4a 1, test_q1_4b 1
