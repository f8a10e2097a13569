import { normalizeImage } from './image-name';

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['me/app', 'docker.io/me/app:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['registry:5000/app:v1', 'registry:5000/app:v1'],
  ['quay.io/a/b_c', 'quay.io/a/b_c:latest'],
  [`nginx@sha256:${'a'.repeat(64)}`, `docker.io/library/nginx@sha256:${'a'.repeat(64)}`],
  [`sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`],
  ['', undefined],
  ['Nginx', undefined],
  ['nginx:', undefined],
  ['nginx:la test', undefined],
  ['../etc', undefined],
])('%s is %s', (image, expected) => {
  expect(normalizeImage(image)).toBe(expected);
});
