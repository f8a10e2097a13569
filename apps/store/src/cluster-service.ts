import { type clusterService, type etcdserverpb } from '#etcd';
import { type ClusterAdministration, StoreError, type StoreMember } from '#store';
import { type Member } from './member';
import { type UnaryMethods } from './served-method';

/**
 * Who the members are, and changes of that. @param administration absent: the store that is served has no members that it knows of
 * @param clientUrl under which this one is reached
 */
export function clusterMethods(
  member: Member,
  administration: ClusterAdministration | undefined,
  clientUrl: () => string,
): UnaryMethods<typeof clusterService> {
  const administer = (): ClusterAdministration => {
    if (administration !== undefined) return administration;
    throw new StoreError('invalid-argument', 'the store behind this server has no members');
  };
  const self = async (): Promise<etcdserverpb.Member[]> => {
    const { memberId } = await member.status();
    return [{ ID: memberId, name: 'store', peerURLs: [], clientURLs: [clientUrl()], isLearner: false }];
  };
  const list = async (isLinearizable: boolean): Promise<etcdserverpb.Member[]> => {
    const members = (await administration?.memberList(isLinearizable))?.map(toMember) ?? [];
    // A store that is alone does not tell itself where it is reached.
    return members.length === 0 || (members.length === 1 && members[0]!.clientURLs.length === 0) ? self() : members;
  };
  const answer = async (): Promise<{ header: etcdserverpb.ResponseHeader; members: etcdserverpb.Member[] }> => {
    // Read after the change: etcd's answers have no revision here.
    const members = await list(false);
    await member.status();
    return { header: member.header(0), members };
  };
  return {
    async memberAdd({ peerURLs, isLearner }, call) {
      call.caller().checkAdmin();
      const added = await administer().memberAdd(peerURLs, isLearner);
      return { ...(await answer()), member: toMember(added) };
    },
    async memberRemove({ ID }, call) {
      call.caller().checkAdmin();
      await administer().memberRemove(ID);
      return answer();
    },
    async memberUpdate({ ID, peerURLs }, call) {
      call.caller().checkAdmin();
      await administer().memberUpdate(ID, peerURLs);
      return answer();
    },
    async memberPromote({ ID }, call) {
      call.caller().checkAdmin();
      await administer().memberPromote(ID);
      return answer();
    },
    async memberList({ linearizable }, call) {
      call.caller().checkUser();
      const members = await list(linearizable);
      return { header: (await member.status(), member.header(0)), members };
    },
  };
}

function toMember({ id, name, peerUrls, clientUrls, isLearner }: StoreMember): etcdserverpb.Member {
  return { ID: id, name, peerURLs: [...peerUrls], clientURLs: [...clientUrls], isLearner };
}
