# Les cellules de vérification ont été copiées avec leur identifiant, comme le fait un copier-coller.
# change: duplicate_tests
