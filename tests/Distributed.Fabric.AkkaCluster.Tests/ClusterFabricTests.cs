using Akka.Actor;
using Distributed.Fabric.Tests.Contract;

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>The contract of every fabric, over Akka.Cluster.</summary>
public sealed class ClusterFabricTests : FabricContract
{
    protected override IContractCluster Start() => new Cluster();

    private sealed class Cluster : IContractCluster
    {
        private readonly TestCluster _cluster = new();
        private readonly Dictionary<ContractNode, ClusterNode> _nodes = [];

        public Cluster()
        {
            Learner = Join("learner-1", "learner");
            _nodes[Learner].StandForLearner(_ => { });
        }

        public ContractNode Learner { get; }

        public ContractNode Join(string name) => Join(name, "rollout");

        public Task LeaveAsync(ContractNode node) => _cluster.Leave(_nodes[node]);

        public Task CrashAsync(ContractNode node) => _cluster.Kill(_nodes[node]);

        public ValueTask DisposeAsync() => _cluster.DisposeAsync();

        private ContractNode Join(string name, string role)
        {
            var node = _cluster.Add(name, role);
            var contract = new ContractNode(node.System, node.Fabric);
            _nodes.Add(contract, node);
            return contract;
        }
    }
}
