# Écrit sur Colab : installations, disque monté ; rien de cela ne touche aux réponses.
# %% q1_2
!pip install -q scipy
from google.colab import drive
drive.mount("/content/drive")
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
