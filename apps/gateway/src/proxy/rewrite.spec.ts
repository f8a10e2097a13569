import { text } from 'node:stream/consumers';
import { linkRewriter, rewriteUrl } from './rewrite';

const place = { prefix: '/api/v1/namespaces/a/pods/web/proxy', hosts: ['10.0.0.1:80', 'localhost:8001'] };

it.each([
  ['/page', '/api/v1/namespaces/a/pods/web/proxy/page'],
  ['/page/?q=/x#top', '/api/v1/namespaces/a/pods/web/proxy/page/?q=/x#top'],
  ['/', '/api/v1/namespaces/a/pods/web/proxy/'],
  ['/a/../b', '/api/v1/namespaces/a/pods/web/proxy/b'],
  ['http://10.0.0.1:80/page', '/api/v1/namespaces/a/pods/web/proxy/page'],
  ['http://localhost:8001/page', '/api/v1/namespaces/a/pods/web/proxy/page'],
  ['/api/v1/namespaces/a/pods/web/proxy/page', '/api/v1/namespaces/a/pods/web/proxy/page'],
  ['http://example.org/page', 'http://example.org/page'],
  ['//example.org/page', '//example.org/page'],
  ['page', 'page'],
  ['../page', '../page'],
  ['#top', '#top'],
  ['', ''],
  ['mailto:a@example.org', 'mailto:a@example.org'],
  ['data:text/plain,/x', 'data:text/plain,/x'],
])('shows %p as %p', (link, shown) => {
  expect(rewriteUrl(link, place)).toBe(shown);
});

it('rewrites the links of a page and nothing else, wherever it was cut', async () => {
  const page = `<!doctype html><html><body><p title="/no" class=x>a &lt; b /c</p><!-- <a href="/no"> -->
<a class=y href="/yes?a=1&amp;b=2">text</a><IMG SRC='/yes.png'><script src=/yes.js></script><script>x = '<a href="/no">';</script></body>`;
  const rewriter = await linkRewriter(place);
  const result = text(rewriter);
  for (const character of page) rewriter.write(character);
  rewriter.end();
  const shown = (path: string): string => `"/api/v1/namespaces/a/pods/web/proxy${path}"`;
  expect(await result).toBe(
    page
      .replace('class=y', 'class="y"')
      .replace('"/yes?a=1&amp;b=2"', shown('/yes?a=1&amp;b=2'))
      .replace("<IMG SRC='/yes.png'>", `<img src=${shown('/yes.png')}>`)
      .replace('src=/yes.js', `src=${shown('/yes.js')}`),
  );
});
