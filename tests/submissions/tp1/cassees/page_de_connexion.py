# La page de connexion, enregistrée à la place du notebook.
# change: login_page
# loses: everything
