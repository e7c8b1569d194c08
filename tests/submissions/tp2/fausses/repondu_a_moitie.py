# Seules les quatre premières questions à étoile sont répondues, sans les affirmations.
# base: release
# answers: q1_1a q1_1b q1_2a q1_2b q1_2c q1_2d q1_4
# earns: test_q1_1a 0.75, test_q1_1b 1.25, test_q1_2a 1.5, test_q1_2b 0.5, test_q1_2c 1, test_q1_2d 1, test_q1_4 4.5
