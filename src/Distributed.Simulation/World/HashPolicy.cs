using System.Buffers.Binary;
using System.Globalization;
using Distributed.Ports;

namespace Distributed.Simulation.World;

/// <summary>
/// A policy that is a hash. Its weights are a chain over everything it was trained on, in order; what it samples and scores is a function of weights, context and seed.
/// Two runs end with the same weights only if they trained the same tokens with the same credit in the same order from the same state, and a
/// recorded log-probability says which weights it came from. All functions are pure.
/// </summary>
public static class HashPolicy
{
    /// <summary>Size of the weights, bytes.</summary>
    public const int Bytes = 32;

    /// <summary>Weights of version 0.</summary>
    public const ulong Initial = 0x1234;

    /// <summary>The tensors of the flat buffer.</summary>
    public static IReadOnlyList<TensorShape> Tensors { get; } = [new("first", [2, 2]), new("second", [4])];

    /// <summary>The flat buffer of weights.</summary>
    public static byte[] ToBytes(ulong weights)
    {
        var bytes = new byte[Bytes];
        for (var part = 0; part < Bytes / sizeof(ulong); part++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(part * sizeof(ulong)), part == 0 ? weights : Mix(weights, (ulong)part));
        return bytes;
    }

    /// <summary>The weights in a flat buffer; a buffer that was changed anywhere has others.</summary>
    public static ulong FromBytes(ReadOnlySpan<byte> bytes)
    {
        var weights = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return bytes.SequenceEqual(ToBytes(weights)) ? weights : ~weights;
    }

    /// <summary>Weights for people.</summary>
    public static string Name(ulong weights) => weights.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>State from which a turn is sampled.</summary>
    public static ulong TurnState(ulong weights, IEnumerable<int> context, bool greedy, ulong seed)
    {
        var state = Chain(weights, context);
        return greedy ? state : Mix(state, seed);
    }

    /// <summary>The text of a turn: mostly a look-up or an answer; now and then malformed or cut off.</summary>
    public static (string Text, FinishReason Finish) Turn(ulong state) => (state % 16) switch
    {
        < 7 => (string.Create(CultureInfo.InvariantCulture, $"L{state / 16 % 10};"), FinishReason.Stop),
        < 14 => (string.Create(CultureInfo.InvariantCulture, $"A{state / 16 % 3};"), FinishReason.Stop),
        14 => ("x;", FinishReason.Stop),
        _ => ("LLLLLLLL", FinishReason.Length),
    };

    /// <summary>Log-probability of the token at a place of a turn.</summary>
    public static float LogProb(ulong state, int index) => -0.01f - Mix(state, (ulong)index) % 1000 / 500f;

    /// <summary>Log-probabilities of a sequence's targets under weights.</summary>
    public static float[] LogProbs(ulong weights, TrainSequence sequence)
    {
        var state = Chain(weights, sequence.Tokens.ToArray());
        var values = new float[sequence.Targets.Length];
        for (var i = 0; i < values.Length; i++) values[i] = LogProb(state, i);
        return values;
    }

    /// <summary>Mean log-probability of an answer's span after a prefix.</summary>
    public static double Score(ulong weights, IEnumerable<int> prefix, ReadOnlySpan<int> answer, int spanStart, int spanLength)
    {
        var state = Chain(Chain(Chain(weights, prefix), answer.ToArray()), [spanStart, spanLength]);
        return -0.1 - state % 3000 / 1000.0;
    }

    /// <summary>A hash over values that goes on from a state.</summary>
    public static ulong Chain(ulong state, IEnumerable<int> values)
    {
        foreach (var value in values) state = Mix(state, (ulong)value);
        return Mix(state, 0xE0D);
    }

    /// <summary>A hash over values that goes on from a state.</summary>
    public static ulong Mix(ulong state, params ReadOnlySpan<ulong> values)
    {
        foreach (var value in values)
        {
            state = (state ^ value) + 0x9E3779B97F4A7C15UL;
            state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9UL;
            state = (state ^ (state >> 27)) * 0x94D049BB133111EBUL;
            state ^= state >> 31;
        }

        return state;
    }
}
