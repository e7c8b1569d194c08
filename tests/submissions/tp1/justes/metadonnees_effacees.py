# Les cellules de test ont été supprimées, dupliquées ou vidées par maladresse : rien n'est perdu.
# change: delete_tests
