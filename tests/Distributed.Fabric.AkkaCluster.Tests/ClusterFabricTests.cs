using Distributed.Fabric.Http;
using Distributed.Fabric.Tests.Contract;

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>The contract of every fabric, over Akka.Cluster; where links fail, each node stands behind a proxy.</summary>
public sealed class ClusterFabricTests : FaultyFabricContract
{
    // Whoever is away for the time of a test is not to be taken out.
    private const string Patient = "akka.cluster.learner-side-downing { stable-after = 60s, at-latest = 240s }";

    protected override IContractCluster Start() => new Cluster(proxied: false);

    protected override IFaultyCluster StartFaulty() => new Cluster(proxied: true);

    private sealed class Cluster : IFaultyCluster
    {
        private readonly TestCluster _cluster = new();
        private readonly Dictionary<ContractNode, ClusterNode> _nodes = [];
        private readonly bool _proxied;

        public Cluster(bool proxied)
        {
            _proxied = proxied;
            Learner = Join("learner-1", "learner");
            _nodes[Learner].StandForLearner(_ => { });
        }

        public ContractNode Learner { get; }

        public ContractNode Join(string name) => Join(name, "rollout");

        public Task LeaveAsync(ContractNode node) => _cluster.Leave(_nodes[node]);

        public Task CrashAsync(ContractNode node) => _cluster.Kill(_nodes[node]);

        public void Cut(ContractNode node) => LinkOf(node).Set(LinkFault.Cut);

        public void Freeze(ContractNode node) => LinkOf(node).Set(LinkFault.Frozen);

        public void Slow(ContractNode node) => LinkOf(node).Set(LinkFault.Slow);

        public void Heal(ContractNode node) => LinkOf(node).Set(LinkFault.None);

        public void CorruptNext(ContractNode node) => LinkOf(node).CorruptNext();

        public ValueTask DisposeAsync() => _cluster.DisposeAsync();

        private FaultProxy LinkOf(ContractNode node) => _cluster.LinkOf(_nodes[node]);

        private ContractNode Join(string name, string role)
        {
            var node = _cluster.Add(name, role, overrides: _proxied ? Patient : "", proxied: _proxied);
            var contract = new ContractNode(node.System, node.Fabric);
            _nodes.Add(contract, node);
            return contract;
        }
    }
}
