using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Fabric.Local;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Protocol;

namespace Distributed.Node.Cluster;

/// <summary>What a rollout or scorer node is given.</summary>
internal sealed record WorkerInputs
{
    /// <summary>Its name; unique in the cluster.</summary>
    public required NodeId Name { get; init; }

    /// <summary>Runs episodes.</summary>
    public required bool Rollout { get; init; }

    /// <summary>Scores trajectories.</summary>
    public required bool Scorer { get; init; }

    /// <summary>The learner's node.</summary>
    public required Uri Join { get; init; }

    /// <summary>Where other nodes can pull weights from this one; null: they cannot.</summary>
    public Uri? Listen { get; init; }

    /// <summary>Engine threads; null: as the recipe says, but no more than this machine has.</summary>
    public int? Threads { get; init; }

    /// <summary>Engine of this node: managed, torch or auto; null: as the recipe says.</summary>
    public string? Engine { get; init; }

    /// <summary>Device of a torch engine; null: as the recipe says.</summary>
    public string? Device { get; init; }

    /// <summary>Time for the leases under way when the node is asked to leave.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>Secret and certificates.</summary>
    public required HttpSecurity Security { get; init; }

    /// <summary>Times and bounds.</summary>
    public required HttpFabricOptions Options { get; init; }

    /// <summary>The engine this node computes with.</summary>
    public EngineChoice EngineOf(Recipe recipe) => EngineChoice.Of(recipe.Engine, Rollout ? "rollout" : "scorer").With(Engine, Device);

    /// <summary>Its threads.</summary>
    public int ThreadsOf(Recipe recipe) => Threads ?? Math.Min(
        Environment.ProcessorCount, Math.Max(Rollout ? recipe.Cluster.RolloutThreads!.Value : 0, Scorer ? recipe.Cluster.ScorerThreads!.Value : 0));
}

/// <summary>A process that works for a learner elsewhere: fetches its set-up, joins, works until the run is over or it is asked to leave.</summary>
internal static class WorkerNode
{
    // Answers that are handed back have to be settled too.
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(3);

    /// <summary>Runs to the end.</summary>
    /// <returns>Why it ended.</returns>
    /// <exception cref="RefusedException">It could not join, or lost the learner for good.</exception>
    public static async Task<string> RunAsync(WorkerInputs inputs, Action<string> notice, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("distributed-node-");
        try
        {
            var setup = await new SetupClient(inputs.Join, inputs.Security, notice).FetchAsync(folder.FullName, inputs.Options.GiveUpAfter, cancel).ConfigureAwait(false);
            var recipe = RecipeFile.ParseTraining(setup.Recipe, $"{inputs.Join}recipe.yaml", []);
            return await Work(inputs, setup, recipe, folder.FullName, notice, cancel).ConfigureAwait(false);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> Work(WorkerInputs inputs, NodeSetup setup, Recipe recipe, string folder, Action<string> notice, CancellationToken cancel)
    {
        var model = ModelSource.Received(recipe, folder, [.. setup.Files.Select(file => file.Name)]);
        using var engine = model.NewEngine(inputs.EngineOf(recipe), inputs.ThreadsOf(recipe), notice);
        var (environment, episodes) = RunParts.World(recipe.Environment, recipe.Rollout);
        using var world = environment as IDisposable;
        using var host = episodes;

        var counters = new FabricCounters();
        using var serving = HttpWeights.Create(inputs.Security, null, [(LocalCluster.LearnerId, inputs.Join)]);
        AppliedWeights? applied = null;
        await using var endpoint = inputs.Listen is null ? null : await Listen(inputs, counters, routes => routes.MapWeights(serving).MapHealth(() => applied?.Newest == null ? "no weights yet" : null)).ConfigureAwait(false);
        var address = endpoint is null ? null : NodeAddress.Reachable(endpoint.Address).ToString().TrimEnd('/');
        var weights = new AddressedWeights(serving, address);
        await using var member = new HttpMember(
            new MemberIdentity(inputs.Name, LocalCluster.LearnerId, inputs.Join) { Address = address ?? "", Run = setup.Run }, inputs.Security, inputs.Options, notice);
        var roles = new RoleSettings(recipe, model.Tokenizer, environment, LocalCluster.LearnerId, notice)
        {
            FirstIncarnation = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        var (rollout, scorer, receiver) = (roles.Rollout(member, engine, episodes), roles.Scorer(member, engine), roles.Receiver(member, engine, weights));
        applied = receiver.Applied;
        using var system = NodeSystem.Start(member, new NodeRoles(
            inputs.Rollout ? Props.Create(() => new RolloutWorkerActor(rollout)) : null,
            inputs.Scorer ? Props.Create(() => new ScorerActor(scorer)) : null,
            Props.Create(() => new WeightReceiverActor(receiver)),
            null), notice);
        notice($"{inputs.Name} works for {inputs.Join}");

        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancel.Register(() => asked.TrySetResult());
        await Task.WhenAny(member.Ended, asked.Task).ConfigureAwait(false);
        if (member.Ended.IsCompleted)
        {
            var end = await member.Ended.ConfigureAwait(false);
            return end.IsFailure ? throw new RefusedException(end.Reason) : end.Reason;
        }

        notice($"leaving: no more leases; {inputs.Grace.TotalSeconds:0} s for those under way");
        await Task.WhenAny(system.DrainAsync(inputs.Grace), member.Ended, Task.Delay(inputs.Grace + SettleLimit, CancellationToken.None)).ConfigureAwait(false);
        await member.LeaveAsync().ConfigureAwait(false);
        return "left as asked";
    }

    internal static async Task<HttpEndpoint> Listen(WorkerInputs inputs, FabricCounters counters, Action<Microsoft.AspNetCore.Routing.IEndpointRouteBuilder> map)
    {
        try
        {
            return await HttpEndpoint.StartAsync(inputs.Listen!, inputs.Security, counters, TimeProvider.System, map).ConfigureAwait(false);
        }
        catch (ArgumentException error)
        {
            throw new RefusedException(error.Message, error);
        }
    }
}
