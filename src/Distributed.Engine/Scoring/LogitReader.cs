using Distributed.Engine.Formats;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Scoring;

/// <summary>The raw logits of a model folder, for comparison with other implementations. Training and sampling never need them whole.</summary>
public sealed unsafe class LogitReader : IDisposable
{
    private const int RowsAtOnce = 64;

    private readonly ModelWeights _weights;
    private readonly PackedModel _model;

    private LogitReader(ModelWeights weights)
    {
        _weights = weights;
        _model = new PackedModel(weights);
    }

    /// <summary>V.</summary>
    public int VocabularySize => _weights.Config.VocabularySize;

    /// <summary>Longest sequence.</summary>
    public int ContextLength => _model.ContextLength;

    /// <summary>Loads a folder.</summary>
    /// <exception cref="ModelFormatException">A file is missing or broken.</exception>
    public static LogitReader Load(string folder)
    {
        var weights = ModelFolder.Load(folder);
        try
        {
            return new LogitReader(weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Logits of one sequence, some rows at a time.</summary>
    /// <param name="tokens">1 to <see cref="ContextLength"/> ids below <see cref="VocabularySize"/>.</param>
    /// <param name="write">Gets one row of V at a time, in order; only valid until it returns.</param>
    /// <exception cref="ArgumentException">Too few or too many tokens, or an id that the model does not have.</exception>
    public void Read(ReadOnlySpan<int> tokens, Action<ReadOnlySpan<float>> write)
    {
        if (tokens.Length < 1 || tokens.Length > ContextLength)
            throw new ArgumentException($"a sequence of {tokens.Length} tokens; it must have 1 to {ContextLength}", nameof(tokens));
        foreach (var token in tokens)
            if (token < 0 || token >= VocabularySize)
                throw new ArgumentException($"token {token} is not one of the model's {VocabularySize}", nameof(tokens));
        var plan = new RowPlan();
        plan.AddTrunk(tokens);
        for (var row = 0; row < tokens.Length; row++)
            plan.Activate(row);
        plan.Seal();
        using var activations = new Activations(_weights.Config, keepAll: false);
        Decoder.Forward(_model, plan, activations);
        int hidden = _weights.Config.HiddenSize, vocabulary = VocabularySize;
        using var logits = new FloatBuffer((long)RowsAtOnce * vocabulary);
        for (var first = 0; first < tokens.Length; first += RowsAtOnce)
        {
            var rows = Math.Min(RowsAtOnce, tokens.Length - first);
            Gemm.Multiply(activations.Final + ((long)first * hidden), hidden, rows, _model.Head, logits.Pointer, vocabulary);
            for (var row = 0; row < rows; row++)
                write(new ReadOnlySpan<float>(logits.Pointer + ((long)row * vocabulary), vocabulary));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _weights.Dispose();
    }
}
