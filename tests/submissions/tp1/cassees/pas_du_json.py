# Du texte au lieu d'un notebook.
# change: not_json
# loses: everything
