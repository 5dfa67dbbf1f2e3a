using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Fabric.AkkaCluster;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Node.Composition;
using Distributed.Protocol;

namespace Distributed.Node.Cluster.Akka;

/// <summary>The learner of a run in its seat of an Akka.Cluster; set-up and weights are served over HTTP.</summary>
internal sealed class AkkaRunCluster : IRunCluster
{
    private readonly LearnerSeat _seat;
    private readonly HttpWeightTransport _weights;
    private readonly HttpEndpoint _endpoint;
    private readonly TemporaryModel _model;
    private bool _isOver;

    private AkkaRunCluster(LearnerSeat seat, HttpWeightTransport weights, HttpEndpoint endpoint, TemporaryModel model)
    {
        _seat = seat;
        _weights = weights;
        _endpoint = endpoint;
        _model = model;
    }

    /// <summary>Puts the learner into the seat.</summary>
    /// <exception cref="RefusedException">It cannot listen.</exception>
    public static AkkaRunCluster Start(RunContext run, ClusterNode node, LearnerSeat seat, LearnerInputs inputs, string? host, FabricCounters counters) => Refusals.Of(() =>
    {
        var model = TemporaryModel.Of(run.Parts.Model);
        var setup = new SetupFiles(run.Inputs.RecipeText, model.Files);
        var weights = HttpWeights.Create(inputs.Security, null, []);
        var endpoint = AkkaNode.Listen(inputs.Listen, inputs.Security, counters, routes =>
        {
            setup.MapTo(routes);
            routes.MapHealth(() => node.IsUp ? null : "not a member of the cluster yet");
            AkkaNode.MapSeeds(routes, node);
            routes.MapWeights(weights);
        }).GetAwaiter().GetResult();
        var address = NodeAddress.Reachable(endpoint.Address, host).ToString().TrimEnd('/');
        run.Recorder.OnNotice($"{inputs.Name} is the learner; nodes can join at {address}, the cluster is at {node.Address}");

        var roles = new RoleSettings(run.Inputs.Recipe, run.Parts.Model.Tokenizer, run.Parts.Environment, node.Fabric.Self, run.Recorder.OnNotice);
        var learner = roles.Learner(run, node.Fabric, new AddressedWeights(weights, address));
        var fabric = node.Fabric;
        var nodeRoles = new NodeRoles(null, null, null, Props.Create(() => new LearnerNodeActor(learner)));
        var cluster = new AkkaRunCluster(seat, weights, endpoint, model);
        node.System.WhenTerminated.ContinueWith(_ => cluster.OnCut(run), TaskScheduler.Default);
        seat.Occupy(Props.Create(() => new NodeActor(fabric, nodeRoles)));
        return cluster;
    });

    /// <inheritdoc/>
    public void RequestStop() => _seat.RequestStop();

    /// <inheritdoc/>
    public void SayOver()
    {
        // The learner's node leaves the cluster in order, which workers take as the end of the run.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isOver = true;
        _endpoint.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _weights.Dispose();
        _model.Dispose();
    }

    private void OnCut(RunContext run)
    {
        if (!_isOver) run.Recorder.OnEnded(new RunEnded(new PolicyVersion(-1), new LedgerTotals(0, 0, []), 0), AkkaLearner.Cut().Message);
    }
}
