# Les cellules de réponse ont été changées en cellules de texte : elles sont lues comme du code.
# change: answers_as_text
