using System.Runtime.CompilerServices;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>
/// AdamW with decoupled decay on every parameter (Loshchilov and Hutter 2019, 1711.05101), as torch.optim.AdamW computes it. Its state
/// has the layout of the weights.
/// </summary>
internal sealed unsafe class AdamW(long count) : IDisposable
{
    private readonly FloatBuffer _first = new(count);
    private readonly FloatBuffer _second = new(count);

    /// <summary>Steps taken.</summary>
    public long Step { get; private set; }

    /// <summary>Begins a step: <see cref="Update"/> then covers each parameter once.</summary>
    public void Advance() => Step++;

    /// <summary>Updates parameters [start, start + length), with the gradient times <paramref name="scale"/>, and clears the gradient.</summary>
    public void Update(float* weights, float* gradient, long start, int length, OptimizerOptions options, float scale)
    {
        var correction1 = 1 - Math.Pow(options.Beta1, Step);
        var correction2 = 1 - Math.Pow(options.Beta2, Step);
        var factors = new Factors(
            scale, 1f - (options.LearningRate * options.WeightDecay), options.Beta1, options.Beta2, (float)(options.LearningRate / correction1),
            (float)Math.Sqrt(correction2), options.Epsilon);
        float* w = weights + start, g = gradient + start, m = _first.Pointer + start, v = _second.Pointer + start;
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Update<Lane512>(w, g, m, v, length, factors); break;
            case SimdPath.Avx2: Update<Lane256>(w, g, m, v, length, factors); break;
            default: Update<LaneAny>(w, g, m, v, length, factors); break;
        }
    }

    public OptimizerState Read()
    {
        var first = new byte[count * sizeof(float)];
        var second = new byte[count * sizeof(float)];
        FlatBytes.Write(_first.Pointer, first);
        FlatBytes.Write(_second.Pointer, second);
        return new OptimizerState(Step, first, second);
    }

    /// <summary>Replaces the state; null resets it. Returns what is wrong, then nothing is changed.</summary>
    public EngineError? Load(OptimizerState? state)
    {
        if (state is null)
        {
            Step = 0;
            _first.Clear();
            _second.Clear();
            return null;
        }

        if (StateCheck.Complaint(state, count) is { } complaint)
            return new EngineError(complaint);
        Step = state.Step;
        FlatBytes.Read(state.FirstMoment.Span, _first.Pointer);
        FlatBytes.Read(state.SecondMoment.Span, _second.Pointer);
        return null;
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update<T>(float* w, float* g, float* m, float* v, int length, in Factors f)
        where T : struct, ILane<T>
    {
        for (var i = 0; i < length; i += T.Width)
        {
            var count = Math.Min(T.Width, length - i);
            var part = count < T.Width;
            var gradient = T.Multiply(T.All(f.Scale), part ? T.LoadFirst(g + i, count) : T.Load(g + i));
            var weight = T.Multiply(T.All(f.Keep), part ? T.LoadFirst(w + i, count) : T.Load(w + i));
            var first = part ? T.LoadFirst(m + i, count) : T.Load(m + i);
            var second = part ? T.LoadFirst(v + i, count) : T.Load(v + i);
            first = T.MultiplyAdd(first, T.All(f.Beta1), T.Multiply(T.All(1f - f.Beta1), gradient));
            second = T.MultiplyAdd(second, T.All(f.Beta2), T.Multiply(T.Multiply(T.All(1f - f.Beta2), gradient), gradient));
            var root = T.Add(T.Divide(T.SquareRoot(second), T.All(f.RootCorrection)), T.All(f.Epsilon));
            weight = T.Subtract(weight, T.Divide(T.Multiply(T.All(f.Rate), first), root));
            if (part)
            {
                T.StoreFirst(weight, w + i, count);
                T.StoreFirst(first, m + i, count);
                T.StoreFirst(second, v + i, count);
                T.StoreFirst(T.All(0f), g + i, count);
            }
            else
            {
                T.Store(weight, w + i);
                T.Store(first, m + i);
                T.Store(second, v + i);
                T.Store(T.All(0f), g + i);
            }
        }
    }

    private readonly record struct Factors(float Scale, float Keep, float Beta1, float Beta2, float Rate, float RootCorrection, float Epsilon);
}
