using System.Text.Json;
using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Fabric.Local;
using Distributed.Node.Composition;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Node.Cluster;

/// <summary>The learner's node of a run whose other nodes dial in. It may have rollout and scorer roles of its own besides.</summary>
internal sealed class HttpRunCluster : IRunCluster
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly HttpHub _hub;
    private readonly HttpWeightTransport _weights;
    private readonly HttpEndpoint _endpoint;
    private readonly NodeSystem _system;
    private readonly TemporaryModel _model;

    private HttpRunCluster(HttpHub hub, HttpWeightTransport weights, HttpEndpoint endpoint, NodeSystem system, TemporaryModel model)
    {
        _hub = hub;
        _weights = weights;
        _endpoint = endpoint;
        _system = system;
        _model = model;
    }

    /// <summary>Starts the node.</summary>
    /// <param name="run">The run; its parts have one rollout engine if the node has other roles besides, which then share it.</param>
    /// <param name="listen">Where the others dial.</param>
    /// <param name="rollout">It plays episodes too.</param>
    /// <param name="scorer">It scores too.</param>
    /// <param name="security">Secret and certificates.</param>
    /// <param name="options">Times and bounds.</param>
    /// <exception cref="RefusedException">It cannot listen there.</exception>
    public static HttpRunCluster Start(RunContext run, Uri listen, bool rollout, bool scorer, HttpSecurity security, HttpFabricOptions options) => Refusals.Of(() =>
    {
        var model = TemporaryModel.Of(run.Parts.Model);
        var setup = new SetupFiles(run.Inputs.RecipeText, model.Files);
        var hub = new HttpHub(LocalCluster.LearnerId, setup.Run, security, options, run.Recorder.OnNotice);
        var weights = HttpWeights.Create(security, null, []);
        var endpoint = HttpEndpoint.StartAsync(listen, security, hub.Counters, TimeProvider.System, routes =>
        {
            hub.MapTo(routes);
            setup.MapTo(routes);
            routes.MapWeights(weights);
            routes.MapHealth(() => null);
            routes.MapGet("/cluster", context => Describe(context, hub));
        }).GetAwaiter().GetResult();
        run.Recorder.OnNotice($"nodes can join at {NodeAddress.Reachable(endpoint.Address)}");

        var roles = new RoleSettings(run.Inputs.Recipe, run.Parts.Model.Tokenizer, run.Parts.Environment, hub.Self, run.Recorder.OnNotice)
        {
            FirstIncarnation = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        var learner = roles.Learner(run, hub, weights);
        var own = run.Parts.Rollouts.Count > 0 ? run.Parts.Rollouts[0] : null;
        var nodeRoles = new NodeRoles(
            own != null && rollout ? Props.Create(() => new RolloutWorkerActor(roles.Rollout(hub, own, run.Parts.Episodes))) : null,
            own != null && scorer ? Props.Create(() => new ScorerActor(roles.Scorer(hub, own))) : null,
            own != null ? Props.Create(() => new WeightReceiverActor(roles.Receiver(hub, own, new OwnWeights(weights)))) : null,
            Props.Create(() => new LearnerNodeActor(learner)));
        return new HttpRunCluster(hub, weights, endpoint, NodeSystem.Start(hub, nodeRoles, run.Recorder.OnNotice), model);
    });

    /// <inheritdoc/>
    public void RequestStop() => _system.RequestStop();

    /// <inheritdoc/>
    public void SayOver() => _hub.CloseAsync("the run is over").GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        _system.Dispose();
        _hub.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _endpoint.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _weights.Dispose();
        _model.Dispose();
    }

    private static Task Describe(HttpContext context, HttpHub hub) => context.Response.WriteAsJsonAsync(
        new
        {
            Nodes = hub.Members.Select(member => new { Name = member.Node.Value, member.Incarnation, member.Address, Connected = member.IsConnected }),
            Counters = hub.Counters.Snapshot(),
        }, Json);
}
