# Un envoi interrompu avant la première réponse.
# cut: q1_1
# loses: everything
