/** Channel numbers of a remote command's streams (`v5.channel.k8s.io`, KEP-4006): the first byte of each message. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
