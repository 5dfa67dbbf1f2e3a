using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>Refuses optimizer states that are not those of a model.</summary>
internal static class StateCheck
{
    /// <summary>What is wrong with a state, or null.</summary>
    /// <param name="state">The state.</param>
    /// <param name="count">Parameters.</param>
    public static string? Complaint(OptimizerState state, long count)
    {
        var bytes = count * sizeof(float);
        if (state.FirstMoment.Length != bytes || state.SecondMoment.Length != bytes)
            return $"The optimizer state has moments of {state.FirstMoment.Length} and {state.SecondMoment.Length} bytes; this model's are {bytes}. It belongs to another model.";
        if (state.Step < 0)
            return $"The optimizer state has step {state.Step}; it must not be negative.";
        if (FlatBytes.FirstNotFinite(state.FirstMoment.Span) >= 0 || FlatBytes.FirstNotFinite(state.SecondMoment.Span) >= 0)
            return "The optimizer state has a value that is not finite; use an older checkpoint.";
        return null;
    }
}
