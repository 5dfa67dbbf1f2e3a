using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Environments;
using Distributed.Node.Checkpoints;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>The model a command works on: its shape, first weights and tokenizer, and how its files are written.</summary>
internal sealed class ModelSource : IModelFiles
{
    // A step's batch may be large; memory is bounded by the engine's cache, which is paged.
    private const int MostSequences = 65_536;
    private const int MostRequests = 1 << 20;
    private const string TokenizerName = "tokenizer.json";
    private const string TokenizerConfigName = "tokenizer_config.json";
    private readonly string? _folder;
    private readonly WordVocabulary? _vocabulary;

    private ModelSource(string? folder, WordVocabulary? vocabulary, ModelConfig config, ReadOnlyMemory<byte> weights, ITokenizer tokenizer)
    {
        _folder = folder;
        _vocabulary = vocabulary;
        Config = config;
        Weights = weights;
        Tokenizer = tokenizer;
    }

    /// <summary>Its shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Its first weights, flat.</summary>
    public ReadOnlyMemory<byte> Weights { get; }

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Itself, as a checkpoint needs it.</summary>
    public IModelFiles Files => this;

    /// <summary>The model of a recipe. One of random weights has the words of the recipe's environment.</summary>
    public static ModelSource Of(ModelSection model, EnvironmentSection environment, ulong seed)
    {
        if (model.Path is { } path) return FromFolder(path);
        var words = WordVocabulary.Of(environment.Name ?? EnvironmentLoader.SearchWorld)
            ?? throw new RefusedException($"model.shape: {environment.Name} has no words of its own; name a model folder that has a tokenizer.json (model: {{path: ...}})");
        var config = Shape(model.Shape!, words);
        return new ModelSource(null, words, config, ModelFiles.Random(config, seed), TokenizerOf(words));
    }

    /// <summary>A Hugging Face folder.</summary>
    /// <exception cref="RefusedException">A file is missing or broken.</exception>
    public static ModelSource FromFolder(string folder) => Refusals.Of(() =>
    {
        var (config, weights) = ModelFiles.Read(folder);
        return new ModelSource(folder, null, config, weights, Engine.Tokenizers.Tokenizer.Load(Path.Combine(folder, TokenizerName)));
    });

    /// <summary>An engine with the first weights.</summary>
    public ManagedPolicyEngine NewEngine(int threads) => Refusals.Of(() => ManagedPolicyEngine.FromWeights(Config, Weights.Span, Tokenizer, new EngineOptions { Threads = threads, MaxSequences = MostSequences, MaxRequests = MostRequests }));

    /// <summary>An engine of the same shape with random weights.</summary>
    public ManagedPolicyEngine NewUntrained(ulong seed, int threads) => Refusals.Of(() => ManagedPolicyEngine.Random(Config, seed, Tokenizer, new EngineOptions { Threads = threads, MaxSequences = MostSequences, MaxRequests = MostRequests }));

    /// <inheritdoc/>
    public void WriteModel(string folder, ReadOnlyMemory<byte> weights)
    {
        ModelFiles.Write(folder, Config, weights.Span);
        if (_vocabulary is { } words)
        {
            WordLevelTokenizerFile.Write(Path.Combine(folder, TokenizerName), words.Words, words.Specials, words.Unknown);
            WordLevelTokenizerFile.WriteConfig(Path.Combine(folder, TokenizerConfigName), words.Unknown, words.End, words.Pad);
            return;
        }

        foreach (var name in new[] { TokenizerName, TokenizerConfigName })
            if (File.Exists(Path.Combine(_folder!, name))) File.Copy(Path.Combine(_folder!, name), Path.Combine(folder, name), overwrite: true);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ReadModel(string folder)
    {
        var (config, weights) = ModelFiles.Read(folder);
        return config.ShapeEquals(Config) ? weights : throw new RefusedException($"{folder}: is a model of another shape than the run's; give the run's own checkpoint");
    }

    /// <inheritdoc/>
    public void WriteOptimizer(string path, OptimizerState state) => ModelFiles.WriteOptimizer(path, Config, state);

    /// <inheritdoc/>
    public OptimizerState ReadOptimizer(string path) => ModelFiles.ReadOptimizer(path, Config);

    private static ModelConfig Shape(ShapeSection shape, WordVocabulary words) => new()
    {
        HiddenSize = shape.HiddenSize,
        Layers = shape.NumHiddenLayers,
        Heads = shape.NumAttentionHeads,
        KeyValueHeads = shape.NumKeyValueHeads,
        HeadSize = shape.HiddenSize / shape.NumAttentionHeads,
        IntermediateSize = shape.IntermediateSize,
        VocabularySize = words.Words.Length,
        MaxPositions = shape.MaxPositionEmbeddings,
        RopeTheta = shape.RopeTheta,
        TiedHead = shape.TieWordEmbeddings,
        BeginToken = words.Words.IndexOf(words.Begin),
        EndTokens = [words.Words.IndexOf(words.End)],
        PaddingToken = words.Words.IndexOf(words.Pad),
    };

    // A generated environment's tokenizer, read from a file like any other.
    private static ITokenizer TokenizerOf(WordVocabulary words)
    {
        var folder = Directory.CreateTempSubdirectory("distributed-");
        try
        {
            var path = Path.Combine(folder.FullName, TokenizerName);
            WordLevelTokenizerFile.Write(path, words.Words, words.Specials, words.Unknown);
            return Engine.Tokenizers.Tokenizer.Load(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
