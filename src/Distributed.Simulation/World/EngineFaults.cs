using Distributed.Ports;

namespace Distributed.Simulation.World;

/// <summary>What a node's engine is doing wrong at the moment. Requests are named by kind: generate, score, train, load, read.</summary>
public sealed class EngineFaults
{
    /// <summary>Kinds that are refused, with what the engine says.</summary>
    public SortedDictionary<string, string> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>Kinds that are never answered.</summary>
    public SortedSet<string> Silent { get; } = new(StringComparer.Ordinal);

    /// <summary>Training comes out as not a number.</summary>
    public bool TrainingIsNaN { get; set; }

    /// <summary>Scores come out as not a number.</summary>
    public bool ScoresAreNaN { get; set; }

    /// <summary>Everything takes this many times as long.</summary>
    public double Slowdown { get; set; } = 1;

    /// <summary>Problems whose prompt, tokens in order, the engine fails at.</summary>
    public int[]? PoisonedPrompt { get; set; }

    /// <summary>Called with the fault's name whenever one is met.</summary>
    public Action<string> Met { get; set; } = static _ => { };

    /// <summary>Heals everything.</summary>
    public void Clear()
    {
        Refused.Clear();
        Silent.Clear();
        (TrainingIsNaN, ScoresAreNaN, Slowdown, PoisonedPrompt) = (false, false, 1, null);
    }

    internal bool IsSilent(string kind)
    {
        if (!Silent.Contains(kind)) return false;
        Met($"engine-hang:{kind}");
        return true;
    }

    internal EngineError? ErrorOf(string kind)
    {
        if (!Refused.TryGetValue(kind, out var message)) return null;
        Met($"engine-error:{kind}");
        return new EngineError(message);
    }
}
