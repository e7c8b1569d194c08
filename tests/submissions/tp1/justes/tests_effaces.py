# Les cellules de vérification ont été supprimées par maladresse.
# change: delete_tests
