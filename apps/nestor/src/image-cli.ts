import { type Command, type Option } from 'commander';
import { dataDirectory } from './data-directory';
import { later } from './later';
import { hasNamespace } from './rootless';

/** `nestor image …`: images of a node that runs containers itself. */
export function addImageCommands(image: Command, dataDir: () => Option): void {
  image.addHelpText(
    'after',
    '\nThese are the images of nodes that run containers without an engine; those of Docker are listed with: docker images\n\n' +
      'Examples:\n  nestor image pull registry.example/team/app:v1\n  docker save app:v1 | nestor image load\n' +
      '  nestor image import rootfs.tar.gz mine:1\n  nestor image prune --all',
  );
  // Files of images belong to users that are somebody only there.
  image.hook('preAction', async (_, command) => {
    const directory = dataDirectory(command.opts<{ dataDir: string }>().dataDir);
    if (hasNamespace(directory)) await (await import('./inside.js')).goOnInside(directory);
  });
  image
    .command('pull')
    .description('get images from their registries')
    .argument('<image...>', 'nginx, registry.example:5000/team/app:v1, app@sha256:…')
    .addOption(dataDir())
    .option('--username <name>', 'at the registry, with --password-stdin')
    .option('--password-stdin', 'read the password from standard input', false)
    .option('--plain-http', 'the registry speaks HTTP; on this machine that is assumed', false)
    .option('--skip-tls-verify', 'take any certificate of the registry', false)
    .action(later(async () => (await import('./commands/image.js')).pullImages));
  image
    .command('load')
    .description('take the images of an archive: of docker save, or in the layout of OCI; packed with gzip or not')
    .argument('[file]', 'standard input unless given, or -')
    .addOption(dataDir())
    .action(later(async () => (await import('./commands/image.js')).loadImages));
  image
    .command('import')
    .description('make an image of an archive of a root file system')
    .argument('<file>', '- for standard input')
    .argument('[name]', 'of the image')
    .addOption(dataDir())
    .action(later(async () => (await import('./commands/image.js')).importImage));
  image
    .command('ls')
    .alias('list')
    .description('print the images')
    .addOption(dataDir())
    .action(later(async () => (await import('./commands/image.js')).listImages));
  image
    .command('rm')
    .description('remove names of images, and images with their last name; what a container uses stays')
    .argument('<image...>', 'names or ids')
    .addOption(dataDir())
    .action(later(async () => (await import('./commands/image.js')).removeImages));
  image
    .command('prune')
    .description('remove images without names, and whatever is left of what is no more')
    .addOption(dataDir())
    .option('--all', 'images that no container uses as well, unless they are pinned', false)
    .action(later(async () => (await import('./commands/image.js')).pruneImages));
}
