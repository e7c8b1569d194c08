# Une boucle sans fin dans une cellule de réponse : elle ne coûte que sa question.
# loses: test_q2_2b 0.5
# %% q2_2b
while True:
    reponses_2_2 = None
