# La couche variationnelle n'est pas écrite ; les modèles qui reposent sur elle le sont, et sont jugés pour eux-mêmes.
# base: release
# answers: q1_5a q1_5b q2_1a q2_2a q2_2b q2_2c
# earns: test_q1_5a 0.75, test_q1_5b 1.25, test_q2_1a 1.5, test_q2_2a 0.75, test_q2_2b 1, test_q2_2c 0.75
