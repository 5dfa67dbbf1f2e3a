using System.Text.Json;
using System.Text.Json.Serialization;
using Distributed.Simulation.Host;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Faults;

/// <summary>One thing that will go wrong.</summary>
/// <param name="At">When, virtual seconds.</param>
/// <param name="Kind">What (<see cref="FaultKinds"/>).</param>
/// <param name="Node">Where; <c>*</c> on links is every node.</param>
public sealed record PlannedFault(double At, string Kind, string Node)
{
    /// <summary>The other end of a link.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Peer { get; init; }

    /// <summary>Which kind of request or which actor.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? What { get; init; }

    /// <summary>How long, virtual seconds; until everything heals at the latest.</summary>
    public double Seconds { get; init; }

    /// <summary>How much: a part, a factor, seconds or a count, as the kind has it.</summary>
    public double Amount { get; init; }

    /// <summary>The fault for people.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{At,7:0.00} s  {Kind} {Node}{(Peer == null ? "" : $" - {Peer}")}{(What == null ? "" : $" {What}")}{(Seconds > 0 ? $" for {Seconds:0.00} s" : "")}{(Amount > 0 ? $" ({Amount:0.##})" : "")}");
}

/// <summary>A whole run in a file: what is trained, in which order actors go, what goes wrong and when everything heals.</summary>
public sealed record FaultPlan
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Seed of everything that is drawn while the run goes on: latencies, durations, the order of actors.</summary>
    public ulong Seed { get; init; }

    /// <summary>How the next actor is chosen: <c>uniform</c>, or <c>pct:DEPTH</c>.</summary>
    public string Order { get; init; } = "uniform";

    /// <summary>What is trained.</summary>
    public TrainingShape Shape { get; init; } = new();

    /// <summary>When everything heals, virtual seconds. From then on the run must come to its end.</summary>
    public double HealAt { get; init; } = 25;

    /// <summary>What goes wrong.</summary>
    public IReadOnlyList<PlannedFault> Faults { get; init; } = [];

    /// <summary>The bug that is planted, by name; null in every run that looks for real ones.</summary>
    public string? Planted { get; init; }

    /// <summary>The order of actors.</summary>
    public IActivationOrder NewOrder() => Order.StartsWith("pct:", StringComparison.Ordinal)
        ? new PriorityOrder(Seed, int.Parse(Order[4..], System.Globalization.CultureInfo.InvariantCulture), steps: 30_000)
        : new UniformOrder(Seed);

    /// <summary>The plan as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>The plan in a JSON text.</summary>
    /// <exception cref="FormatException">The text is no plan; the message says where.</exception>
    public static FaultPlan FromJson(string json)
    {
        try
        {
            var plan = JsonSerializer.Deserialize<FaultPlan>(json, Json) ?? throw new FormatException("the file holds no plan");
            return plan.Fault() is { } fault ? throw new FormatException(fault) : plan;
        }
        catch (JsonException error)
        {
            throw new FormatException($"line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0].Split(" | ")[0]}", error);
        }
    }

    private string? Fault()
    {
        if (Order != "uniform" && !(Order.StartsWith("pct:", StringComparison.Ordinal) && int.TryParse(Order[4..], out var depth) && depth is >= 1 and <= 100)) return $"order '{Order}': give uniform or pct:1 to pct:100";
        if (Shape is not { RolloutNodes: >= 1, Scorers: >= 1, Capacity: >= 1, ScorerCapacity: >= 1, Steps: >= 1, PromptsPerStep: >= 1, GroupSize: >= 2, MaxStalenessSteps: >= 0 })
            return "shape: nodes, capacities, steps and prompts are at least 1, group_size at least 2, max_staleness_steps at least 0";
        if (HealAt is not (>= 0 and <= 1e6)) return $"heal_at {HealAt}: give seconds from 0 to 1,000,000";
        foreach (var fault in Faults)
        {
            if (!FaultKinds.All.Contains(fault.Kind)) return $"fault kind '{fault.Kind}' is unknown; there are {string.Join(", ", FaultKinds.All)}";
            if (fault.At is not (>= 0 and <= 1e6) || fault.Seconds is not (>= 0 and <= 1e6) || fault.Amount is not (>= 0 and <= 1e6)) return $"fault '{fault.Kind}' at {fault.At}: times and amounts are 0 to 1,000,000";
            if (fault.Peer == null && FaultKinds.OnLinks.Contains(fault.Kind)) return $"fault '{fault.Kind}' at {fault.At} names no peer, the other end of the link";
            if (fault.What == null && FaultKinds.WithWhat.Contains(fault.Kind)) return $"fault '{fault.Kind}' at {fault.At} does not say what: a kind of request (generate, score, train, load, read) or an actor";
            if (string.IsNullOrEmpty(fault.Node)) return $"fault '{fault.Kind}' at {fault.At} names no node";
        }

        return null;
    }
}
