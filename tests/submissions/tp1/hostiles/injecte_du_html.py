# Des réponses justes, et du HTML, des scripts et des images dans le texte et les sorties : rien ne doit s'exécuter chez qui les lit.
# %% declaration
<script>document.title = "piege-markdown"</script>
<img src=x onerror="fetch('https://example.org/piege-image')"> [clic](javascript:alert('piege-lien'))
<iframe srcdoc="<script>alert('piege-cadre')</script>"></iframe>
# %% texte_1_5
<div style="position:fixed;inset:0">20/20</div><svg onload="alert('piege-svg')"></svg>
$\href{javascript:alert('piege-formule')}{x}$ ![piège](https://example.org/piege-traceur.png)
# %% text after q1_1
<style>.score { display: none }</style><script src="https://example.org/piege-script.js"></script>
# %% after q1_1
from IPython.display import HTML, SVG, IFrame, Javascript, Markdown, display

display(HTML("<script>document.title = 'piege-sortie'</script>"))
display(Javascript("alert('piege-javascript')"))
display(Markdown("<img src=x onerror=alert('piege-sortie-markdown')>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>alert('piege-svg-sortie')</script></svg>"))
display({"text/html": "<script>alert('piege-brut')</script>", "application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "<script>alert('piege-texte')</script>"}, raw=True)
print("</pre><script>alert('piege-stdout')</script>")
raise ValueError("</pre><script>alert('piege-erreur')</script>")
